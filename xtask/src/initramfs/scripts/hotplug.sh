# Takes every processor but the first away and brings it back, $rounds times (10 where it is not given), and looks after its
# timer and its inter-processor interrupts each time.
. /scripts/lib
. /scripts/smp-lib

online() {
    cat /sys/devices/system/cpu/online
}

last=$(($(nproc) - 1))
all=$(online)
for round in $(seq 1 "${rounds:-10}"); do
    for cpu in $(seq 1 $last); do
        switch=/sys/devices/system/cpu/cpu$cpu/online
        echo 0 > "$switch"
        same "off-$round-cpu$cpu" "$(cat "$switch") $(nproc)" "0 $last"
        echo 1 > "$switch"
        same "on-$round-cpu$cpu" "$(cat "$switch") $(online)" "1 $all"
        lively "$cpu" $((cpu - 1)) "$round-"
    done
done
finish
