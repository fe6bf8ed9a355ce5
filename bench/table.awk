# SPDX-License-Identifier: MIT
#
# Prints the table of bench/run from its samples:
#
#   round,benchmark,competitor,value,unit

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
    if (over)
        printf "\n%d of %d over their limit\n", over, limits
    else
        printf "\nall %d within their limits\n", limits
}
