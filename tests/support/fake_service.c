/* SPDX-License-Identifier: MIT */
#include "fake_service.h"

#include "support.h"

#include "base/list.h"

static void add_worker(struct fake_service *f, uint32_t n)
{
    hem__instance *i = &f->instances[n];
    hem__seat *seat = &f->seats[n];
    *seat = (hem__seat){.service = &f->s, .index = n, .now = i, .wanted = true};
    seat->role = n < FAKE_WORKERS - 1 ? &f->s.role : &f->extra;
    *i = (hem__instance){
        .service = &f->s, .seat = seat, .role = seat->role, .index = n};
    i->slot = hem__scoreboard_take(&f->s.scoreboard);
    i->pid = getpid();
    i->state = HEM__INSTANCE_READY;
    hem__list_insert(&f->s.instances, &i->link);
}

void fake_service_init(struct fake_service *f)
{
    memset(f, 0, sizeof(*f));
    f->s.options = &f->options;
    f->s.role.name = "worker";
    f->extra = (hem__role){.name = "extra", .extra = true};
    f->s.seats = f->seats;
    f->s.seat_count = FAKE_WORKERS;
    f->s.wanted = FAKE_WORKERS - 1;
    f->s.state = HEM__SERVICE_READY;
    f->s.pid = getpid();
    hem__list_init(&f->s.instances);
    check_int(hem__scoreboard_init(&f->s.scoreboard, FAKE_WORKERS), 0);
    for (uint32_t n = 0; n < FAKE_WORKERS; n++)
        add_worker(f, n);
}

void fake_service_deinit(struct fake_service *f)
{
    hem__scoreboard_deinit(&f->s.scoreboard);
}
