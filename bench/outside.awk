# SPDX-License-Identifier: MIT
#
# Prints the table of bench/outside from its samples:
#
#   round,benchmark,competitor,value,unit

function median_of(name, competitor,    n, i, j, x, v)
{
    n = count[name, competitor]
    for (i = 1; i <= n; i++) {
        x = sample[name, competitor, i]
        for (j = i - 1; j > 0 && v[j] > x; j--)
            v[j + 1] = v[j]
        v[j + 1] = x
    }
    return n % 2 ? v[(n + 1) / 2] : (v[n / 2] + v[n / 2 + 1]) / 2
}

# One line: hem's figure, and each competitor's with its ratio to hem's.
function line(title, name,    i, hem, value, verdict)
{
    if (!count[name, "hem"])
        return
    hem = median_of(name, "hem")
    printf "%-34s %9.2f", title, hem
    verdict = "ahead"
    for (i = 1; i <= competitor_count; i++) {
        if (!count[name, competitor[i]]) {
            printf " %10s %6s", "-", ""
            continue
        }
        value = median_of(name, competitor[i])
        printf " %10.2f %5.2fx", value, value / hem
        if (competitor[i] != "floor" && value < hem * 1.05) {
            if (value < hem / 1.05)
                verdict = "BEHIND"
            else if (verdict == "ahead")
                verdict = "level"
        }
    }
    print "  " verdict
    lines++
    behind += verdict == "BEHIND"
    level += verdict == "level"
}

function server_lines(title, name,    i, part, size, n, cells)
{
    n = split("1x64 50x64 1000x64 50x1024 50x16384", cells, " ")
    for (i = 1; i <= n; i++) {
        split(cells[i], part, "x")
        size = part[2] % 1024 ? part[2] " B" : part[2] / 1024 " KiB"
        line(title ", " part[1] " x " size, name "-" cells[i] "/cpu_per_request")
    }
}

BEGIN {
    FS = ","
    competitor_count = split("floor uv asyncio uvloop", competitor, " ")
}

FNR > 1 { sample[$2, $3, ++count[$2, $3]] = $4 + 0 }

END {
    printf "%-34s %9s %17s %17s %17s %17s\n", "us of one", "hem", "floor     ",
        "libuv     ", "asyncio     ", "uvloop     "
    server_lines("echo", "echo")
    server_lines("datagram echo", "datagram")
    server_lines("TLS echo", "tls")
    line("process, in turn", "subprocess/sequential")
    line("  16 at a time", "subprocess/wide_16")
    line("thread call, in turn", "thread/thread_call")
    line("  16 at a time", "thread/thread_call_16_wide")
    line("file of 4 KiB, opened and read", "file/read_all_4k")
    line("  of 1 MiB", "file/read_all_1m")
    print ""
    print "Servers: CPU time of one request, the server's. The others: time" \
        " that passes. The ratios are"
    print "those of the others to hem's; floors are plain C without a loop," \
        " or with epoll alone."
    printf "\nahead in %d of %d, level (within 5 percent) in %d, behind in" \
        " %d\n", lines - behind - level, lines, level, behind
}
