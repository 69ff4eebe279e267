# Thirty seconds by the guest's clock between two lines; the harness compares with the machine's.
. /scripts/lib
echo "clocksource $(cat /sys/devices/system/clocksource/clocksource0/current_clocksource)"
sleep 2 # the console has drained
start=$(now)
rtc_start=$(cat /sys/class/rtc/rtc0/since_epoch 2>/dev/null)
echo "phalanx-guest: clock start"
while [ $(($(now) - start)) -lt 2900 ]; do sleep 0.5; done
while [ $(($(now) - start)) -lt 3000 ]; do :; done
echo "phalanx-guest: clock end"
if [ -n "$rtc_start" ]; then
    rtc=$(($(cat /sys/class/rtc/rtc0/since_epoch) - rtc_start))
    case $rtc in 29 | 30 | 31) rtc=about-30 ;; esac
    same rtc "$rtc" about-30
fi
finish
