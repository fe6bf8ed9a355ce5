# SPDX-License-Identifier: MIT
#
# Prints the table of bench/run from its samples:
#
#   round,benchmark,competitor,value,unit
#
# python: the version of the Python whose asyncio was measured, "": none was.

function sort(v, n,    i, j, x)
{
    for (i = 2; i <= n; i++) {
        x = v[i]
        for (j = i - 1; j > 0 && v[j] > x; j--)
            v[j + 1] = v[j]
        v[j + 1] = x
    }
}

# Set median, low and high of a competitor's samples; false: there are none.
function summarise(name, competitor,    n, i, v)
{
    n = count[name, competitor]
    if (n == 0)
        return 0
    for (i = 1; i <= n; i++)
        v[i] = sample[name, competitor, i]
    sort(v, n)
    low = v[1]
    high = v[n]
    median = n % 2 ? v[(n + 1) / 2] : (v[n / 2] + v[n / 2 + 1]) / 2
    return 1
}

function range()
{
    return sprintf("%.2f..%.2f", low, high)
}

# One line: hem's `name` beside the floor `floor`; limit 0: none is set.
function line(title, floor, name, limit,    base, base_range, ratio, verdict)
{
    if (!summarise(floor, "floor"))
        return
    base = median
    base_range = range()
    if (!summarise(name, "hem"))
        return
    ratio = median / base
    verdict = ""
    if (limit) {
        limits++
        over += ratio > limit
        verdict = sprintf(" %6.2f  %s", limit, ratio > limit ? "OVER" : "ok")
    }
    printf "%-26s %7.2f %-15s %7.2f %-15s %6.2f%s\n", title, base,
        base_range, median, range(), ratio, verdict
}

# One line: hem's `name` beside asyncio's `other`.
function beside_line(title, name, other,    ours, ours_range)
{
    if (!summarise("beside-" name, "hem"))
        return
    ours = median
    ours_range = range()
    printf "%-26s %9.2f %-17s", title, ours, ours_range
    if (!python)
        printf " %10s\n", "no python3"
    else if (!summarise("beside-" other, "asyncio"))
        printf " %10s\n", "-"
    else
        printf " %10.0f %-17s %6.0f\n", median,
            sprintf("%.0f..%.0f", low, high), median / ours
}

function beside_table()
{
    printf "\n%-26s %9s %-17s %10s %-17s %6s\n", "CPU time of one, ns", "hem",
        "min..max", "asyncio", "min..max", "ratio"
    beside_line("yield", "yield", "yield")
    beside_line("spawn and await a task", "spawn", "spawn")
    beside_line("  that yields once", "spawn_yield", "spawn_yield")
    beside_line("timeout", "timeout", "timeout")
    beside_line("lock", "lock", "lock")
    beside_line("  handed over", "lock_handover", "lock_handover")
    beside_line("event, to who waits", "event", "event")
    beside_line("queue, to who waits", "queue", "queue")
    beside_line("  of 64 items", "queue_buffered", "queue_buffered")
    beside_line("task scope", "scope_0", "group_0")
    beside_line("  of 10 children", "scope_10", "group_10")
    beside_line("task group", "group_0", "group_0")
    beside_line("  of 10 children", "group_10", "group_10")
    beside_line("gather of 100 calls", "gather_100", "gather_100")
    beside_line("cancel 1 of 10,000 tasks", "cancel_10k", "cancel_10k")
    beside_line("  of 100,000 tasks", "cancel_100k", "cancel_100k")
    print ""
    if (python) {
        print "The same programs, bench/hem_*.c and bench/asyncio_core.py, " \
            "by Python " python "."
        print "A task scope stands beside a TaskGroup, too. Cancelled tasks" \
            " sleep, and are awaited."
    } else {
        print "asyncio was not measured: there is no python3."
    }
}

# One line of many things: what one takes at each count, the last figure by the
# one before, and the stack.
function scale_line(title, name,    i, cell, before, growth, kib)
{
    name = "scale-" name
    if (!summarise(name "/1", "hem"))
        return
    printf "%-26s", title
    median = growth = 0
    for (i = 1; i <= 6; i++) {
        before = median
        if (summarise(name "/" scale_count[i], "hem")) {
            growth = before ? median / before : 1
            printf " %6.0f", median
        } else {
            median = before
            printf " %6s", "-"
        }
    }
    limits++
    over += growth > 7
    kib = summarise(name "/stack", "hem") ? median / 1024 : 0
    printf " %6.1f %-4s %8d\n", growth, (growth > 7 ? "OVER" : "ok"),
        kib
}

function scale_table()
{
    if (!summarise("scale-nested/1", "hem"))
        return
    split("1 10 1000 10000 100000 1000000", scale_count, " ")
    printf "\n%-26s %6s %6s %6s %6s %6s %6s %11s %8s\n",
        "CPU time of one out of, ns", "1", "10", "1 k", "10 k", "100 k", "1 M",
        "growth     ", "stack, K"
    scale_line("scopes, in turn", "siblings")
    scale_line("  one in another", "nested")
    scale_line("  side by side", "parallel")
    scale_line("children of a scope", "children")
    scale_line("  with handles", "handles")
    scale_line("  sleeping, aborted", "abort")
    scale_line("tasks, cancelled", "cancel")
    scale_line("tasks awaiting an event", "event")
    scale_line("  an item", "queue")
    scale_line("  a lock", "lock")
    scale_line("  a semaphore", "semaphore")
    scale_line("locking, past cancelled", "lock_over")
    scale_line("timeouts that expired", "timeouts")
    print ""
    print "Growth: of the last figure over the one before, limit 7. What" \
        " grows with the number has"
    print "10, and ends early (-); memory has up to 5, as so many stacks" \
        " leave the caches. Stack:"
    print "that of the task that acts, and growth of the thread's; nested" \
        " scopes are calls."
}

function echo_line(cell,    part, size)
{
    split(cell, part, "x")
    size = part[2] % 1024 ? part[2] " B" : part[2] / 1024 " KiB"
    line("echo, " part[1] " x " size ", us",
        "echo-" cell "/cpu_per_request", "echo-" cell "/cpu_per_request", 1.25)
}

BEGIN {
    FS = ","
}

FNR > 1 {
    i = ++count[$2, $3]
    sample[$2, $3, i] = $4 + 0
    cell = $2
    if (sub(/^echo-/, "", cell) && sub(/\/.*/, "", cell) && !(cell in seen)) {
        seen[cell] = 1
        cells[++cell_count] = cell
    }
}

END {
    printf "%-26s %7s %-15s %7s %-15s %6s %6s\n", "CPU time of one", "floor",
        "min..max", "hem", "min..max", "ratio", "limit"
    line("yield, ns", "yield", "yield", 2)
    line("spawn, finish, join, ns", "yield", "spawn", 8)
    line("  in a scope of its own", "yield", "spawn_scope", 0)
    line("timeout open, close, ns", "yield", "timeout", 0)
    for (i = 1; i <= cell_count; i++)
        echo_line(cells[i])
    print ""
    print "Floors, from the same run: for the first four lines a yield" \
        " between two stacks, that is"
    print "a run queue and a bare assembly switch that saves what a function" \
        " must keep; for the"
    print "others an epoll server in C, whose CPU time is that of one" \
        " request, with so many"
    print "connections and bytes."
    if (summarise("inline", "floor"))
        printf "All inlined in one program, that yield takes %.2f (%s) ns.\n",
            median, range()
    if (summarise("sleepers", "hem")) {
        printf "\n%d tasks asleep at once: ", median
        summarise("sleeper_cpu", "hem")
        printf "%d ns of CPU and ", median
        summarise("sleeper_resident", "hem")
        printf "%d bytes each, ", median
        summarise("sleeper_mappings", "hem")
        printf "%d mappings\n", median
    }
    beside_table()
    scale_table()
    if (over)
        printf "\n%d of %d over their limit\n", over, limits
    else
        printf "\nall %d within their limits\n", limits
}
