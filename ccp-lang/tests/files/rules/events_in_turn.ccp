# Events that a counter takes in turn, each with a rate of its own; the last of a cycle sets the window too. Times count
# from the cycle's begin.
(def
    (Report (volatile acked 0))
    (turn 0)
    (cap 0)
#~ 6: note[L0202]: `cap` is never written: it keeps its initial value unless the agent sets it
#~     help: nothing is to be done if it is a parameter
    (slow 1000)
#~ 6: note[L0202]: `slow` is never written: it keeps its initial value unless the agent sets it
#~     help: nothing is to be done if it is a parameter
    (middle 2000)
#~ 6: note[L0202]: `middle` is never written: it keeps its initial value unless the agent sets it
#~     help: nothing is to be done if it is a parameter
    (fast 3000)
#~ 6: note[L0202]: `fast` is never written: it keeps its initial value unless the agent sets it
#~     help: nothing is to be done if it is a parameter
)
(when true
    (:= Report.acked (+ Report.acked Ack.bytes_acked))
    (fallthrough)
#~ 5: warning[L0205]: this holds for the rest of the invocation, past events that do not fall through
#~     27:2: this event looks as if it stopped the evaluation
#~     32:2: but this one is evaluated too
#~     help: nothing is to be done if both may run; else let their conditions exclude each other
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
#= cwnd=14480
#@ ack now=10001 bytes_acked=2
#= cwnd=14480
#@ ack now=20001 bytes_acked=4
#= cwnd=14480 rate=1000 report=[7]
#@ ack now=30000 bytes_acked=8
#= cwnd=14480 rate=1000
#@ ack now=30001 bytes_acked=16
#= cwnd=14480 rate=2000 report=[24]
#@ ack now=40001 bytes_acked=32
#= cwnd=30000 rate=3000 report=[32]
#@ ack now=40002 bytes_acked=64
#= cwnd=30000 rate=3000
