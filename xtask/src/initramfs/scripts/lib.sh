# For the scripts: checks that the harness reads (`check NAME ok`, `check NAME FAIL got=... want=...`, `done PASSED FAILED`).
passed=0
failed=0

# same NAME GOT WANT
same() {
    if [ "$2" = "$3" ]; then
        echo "check $1 ok"
        passed=$((passed + 1))
    else
        echo "check $1 FAIL got=$2 want=$3"
        failed=$((failed + 1))
    fi
}

# more NAME AFTER BEFORE: the counter went up
more() {
    if [ "${2:-0}" -gt "${3:-0}" ]; then same "$1" up up; else same "$1" "$2" "more-than-$3"; fi
}

finish() {
    echo "done $passed $failed"
}

# Seconds since boot in hundredths, by the guest's own clock.
now() {
    read -r uptime _ < /proc/uptime
    echo "${uptime%.*}${uptime#*.}"
}
