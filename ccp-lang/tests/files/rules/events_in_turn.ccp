# Events that a counter takes in turn, each with a rate of its own; the last of a cycle sets the window too. Times count
# from the cycle's begin.
(def
    (Report (volatile acked 0))
    (turn 0)
    (cap 0)
    (slow 1000)
    (middle 2000)
    (fast 3000)
)
(when true
    (:= Report.acked (+ Report.acked Ack.bytes_acked))
    (fallthrough)
)
(when (&& (== turn 0) (> Micros 10ms))
    (:= Rate slow)
    (:= turn 1)
    (report)
)
(when (&& (== turn 1) (> Micros (* 2 10ms)))
    (:= Rate middle)
    (:= turn 2)
    (report)
)
(when (&& (== turn 2) (> Micros (* 3 10ms)))
    (:= Rate fast)
    (:= Cwnd cap)
    (:= turn 0)
    (:= Micros 0)
    (report)
)
#@ test run
#@ set cap=30000
#@ ack now=10000 bytes_acked=1
#@ ack now=10001 bytes_acked=2
#@ ack now=20001 bytes_acked=4
#@ ack now=30000 bytes_acked=8
#@ ack now=30001 bytes_acked=16
#@ ack now=40001 bytes_acked=32
#@ ack now=40002 bytes_acked=64
