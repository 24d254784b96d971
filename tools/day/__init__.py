"""A day of a busy stack, compressed into minutes, with all that goes wrong on such a day.

    make day ARGS="--codes 20000 --seed 1"

On a temporary local stack: three shops sell, customers pay at DOKU's till, notifications get lost,
come twice and come late, DOKU is away for a tenth of the day, and the whole stack is killed again
and again. When all of it is over, what the till took is compared with what the API and the webhooks
say, from outside.

``plan`` says what is going to happen, ``shop`` does it, ``compare`` finds the differences, and
``run`` is the order of it all.
"""
