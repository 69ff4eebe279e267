# Every processor is there, takes timer interrupts and inter-processor interrupts. $cpus says how many there should be.
. /scripts/lib

# interrupts NAME CPU: the count of one row of /proc/interrupts for one processor
interrupts() {
    awk -v name="$1:" -v column=$(($2 + 2)) '$1 == name { print $column }' /proc/interrupts
}

# ipis CPU: rescheduling, function-call and TLB interrupts together
ipis() {
    echo $(($(interrupts RES "$1") + $(interrupts CAL "$1") + $(interrupts TLB "$1")))
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

same nproc "$(nproc)" "$cpus"
same online "$(cat /sys/devices/system/cpu/online)" "$([ "$cpus" = 1 ] && echo 0 || echo "0-$((cpus - 1))")"

last=$((cpus - 1))
for cpu in $(seq 0 $last); do
    timer=$(interrupts LOC "$cpu")
    ipi=$(ipis "$cpu")
    taskset -c "$cpu" sh -c 'i=0; while [ $i -lt 3000 ]; do i=$((i + 1)); done; sleep 0.2'
    [ "$cpus" -gt 1 ] && ping_pong "$cpu" $(((cpu + 1) % cpus))
    more "timer-cpu$cpu" "$(interrupts LOC "$cpu")" "$timer"
    [ "$cpus" -gt 1 ] && more "ipi-cpu$cpu" "$(ipis "$cpu")" "$ipi"
done

source=$(cat /sys/devices/system/clocksource/clocksource0/current_clocksource)
echo "clocksource $source"
case $source in kvm-clock | tsc) source=good ;; esac
same clocksource "$source" good
finish
