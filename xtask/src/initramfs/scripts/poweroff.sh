# Powers off at once.
. /scripts/lib
same reached yes yes
finish
