# Does nothing for ever: a neighbour that only answers interrupts.
. /scripts/lib
while :; do sleep 3600; done
