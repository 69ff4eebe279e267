# Computes known results over and over: $rounds times (for ever where it is not given).
. /scripts/lib
round=0
while [ "$round" -lt "${rounds:-1000000}" ]; do
    round=$((round + 1))
    zeros=$(dd if=/dev/zero bs=64k count=16 2>/dev/null | sha256sum | cut -c1-16)
    sum=$(awk 'BEGIN { x = 1; for (i = 0; i < 20000; i++) x = (x * 16807) % 2147483647; print x }')
    same "compute-$round" "$zeros $sum" "30e14955ebf13522 673160914"
done
finish
