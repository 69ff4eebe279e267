# For the scripts that look after each processor's interrupts.

# interrupts PATTERN CPU: the counts of the matching rows of /proc/interrupts for one processor, together. All processors are
# online.
interrupts() {
    awk -v pattern="$1" -v column=$(($2 + 2)) '$0 ~ pattern { sum += $column } END { print sum + 0 }' /proc/interrupts
}

# timers CPU: local APIC timer, or the Arm architected timer
timers() {
    interrupts '^ *LOC:|arch_timer' "$1"
}

# ipis CPU: rescheduling, function-call and TLB interrupts together
ipis() {
    interrupts '^ *(RES|CAL|TLB):|^ *IPI[0-9]+:' "$1"
}

# Bytes go back and forth between two processors, each of which sleeps until the other wakes it.
ping_pong() {
    mkfifo /tmp/to /tmp/from
    taskset -c "$1" sh -c 'while read -r line; do echo "$line"; done' < /tmp/to > /tmp/from &
    taskset -c "$2" sh -c 'exec 3> /tmp/to 4< /tmp/from
        i=0; while [ $i -lt 50 ]; do echo $i >&3; read -r line <&4; i=$((i + 1)); done'
    wait
    rm /tmp/to /tmp/from
}

# lively CPU OTHER PREFIX: the processor's timer ticks while it works, and the other one reaches it (unless it is the same).
lively() {
    timer=$(timers "$1")
    ipi=$(ipis "$1")
    taskset -c "$1" sh -c 'i=0; while [ $i -lt 3000 ]; do i=$((i + 1)); done; sleep 0.2'
    [ "$1" != "$2" ] && ping_pong "$1" "$2"
    more "$3timer-cpu$1" "$(timers "$1")" "$timer"
    [ "$1" != "$2" ] && more "$3ipi-cpu$1" "$(ipis "$1")" "$ipi"
    return 0
}
