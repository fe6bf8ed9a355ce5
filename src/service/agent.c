/* SPDX-License-Identifier: MIT */
/*
 * HAProxy's agent: it connects, reads a line, and gives the service the state
 * and the weight that it says ("agent-check" in HAProxy's manual).
 *
 *     up ready 75%     three of four workers are ready
 *     drain            stopping has begun: no new clients, those that are
 *                      there stay
 *     stopped, down    nobody serves; the check by readiness says so as well
 */
#include <stdio.h>

#include "hem/stream.h"
#include "hem/timeout.h"
#include "service/admin.h"

/* The share of the workers that are ready: 1 to 100. */
static unsigned weight(uint32_t ready, uint32_t wanted)
{
    if (ready >= wanted)
        return 100;
    unsigned share = (unsigned)((uint64_t)ready * 100 / wanted);
    return share > 0 ? share : 1;
}

const char *hem__agent_line(const hem__service *s, char room[static 64])
{
    uint32_t ready = hem__service_ready_workers(s);
    if (s->state == HEM__SERVICE_UNREADY)
        return "drain";
    if (s->state == HEM__SERVICE_STOPPING)
        return "stopped #stopping";
    if (s->state == HEM__SERVICE_STARTING)
        return "down #starting";
    if (ready == 0)
        return "down #no worker is ready";
    (void)snprintf(room, 64, "up ready %u%%", weight(ready, s->wanted));
    return room;
}

static int tell(hem_stream *stream, const hem__service *s)
{
    char room[64], line[65];
    int n = snprintf(line, sizeof(line), "%s\n", hem__agent_line(s, room));
    ssize_t rc = hem_stream_write(stream, line, (size_t)n);
    return rc < 0 ? (int)rc : hem__admin_part(stream);
}

int hem__agent_answer(hem_stream *stream, void *arg)
{
    hem_timeout t;
    HEM_TRY(hem_timeout_open(&t, HEM__ADMIN_PATIENCE));
    return hem_timeout_close(&t, tell(stream, arg));
}
