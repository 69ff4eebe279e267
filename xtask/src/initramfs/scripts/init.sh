#!/bin/sh
# The first program of a guest. Kernel command line words that it knows:
#   phalanx.run=NAME     run /scripts/NAME instead of a shell, then power off
#   phalanx.KEY=VALUE    for the script, as the variable $KEY
/bin/busybox --install -s /bin
export PATH=/bin HOME=/root TERM=${TERM:-linux}
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
hostname guest

for word in $(cat /proc/cmdline); do
    case $word in
        phalanx.*=*) word=${word#phalanx.}; export "${word%%=*}=${word#*=}" ;;
    esac
done

echo "phalanx-guest: ready Linux $(uname -r), $(nproc) vCPU, $(awk '/MemTotal/ {print int($2 / 1024)}' /proc/meminfo) MiB"
if [ -n "$run" ]; then
    sh "/scripts/$run"
    poweroff -f
fi

echo "This is a Linux guest on Phalanx. 'poweroff -f' ends it."
# A session of its own with the console as its terminal: job control works. A shell that ends is started again.
while :; do
    setsid cttyhack sh -l
done
