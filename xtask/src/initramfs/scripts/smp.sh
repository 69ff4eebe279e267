# Every processor is there, takes timer interrupts and inter-processor interrupts. $cpus says how many there should be.
. /scripts/lib
. /scripts/smp-lib

same nproc "$(nproc)" "$cpus"
same online "$(cat /sys/devices/system/cpu/online)" "$([ "$cpus" = 1 ] && echo 0 || echo "0-$((cpus - 1))")"

for cpu in $(seq 0 $((cpus - 1))); do
    lively "$cpu" $(((cpu + 1) % cpus)) ""
done

source=$(cat /sys/devices/system/clocksource/clocksource0/current_clocksource)
echo "clocksource $source"
case $source in kvm-clock | tsc | arch_sys_counter) source=good ;; esac
same clocksource "$source" good
finish
