# Tells the guest's own time, in hundredths of a second, ten times a second for 31 seconds; the harness compares with the
# machine's. The guest compares with its real-time clock.
. /scripts/lib
echo "clocksource $(cat /sys/devices/system/clocksource/clocksource0/current_clocksource)"
start=$(now)
rtc_start=$(cat /sys/class/rtc/rtc0/since_epoch 2>/dev/null)
while [ $(($(now) - start)) -lt 3100 ]; do
    echo "clock $(now)"
    sleep 0.1
done
if [ -n "$rtc_start" ]; then
    rtc=$(($(cat /sys/class/rtc/rtc0/since_epoch) - rtc_start))
    case $rtc in 30 | 31 | 32) rtc=about-31 ;; esac
    same rtc "$rtc" about-31
fi
finish
