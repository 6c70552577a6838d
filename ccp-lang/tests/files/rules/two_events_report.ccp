# Two events report: one when a Bool of the report says so, one when time has passed. Micros starts over although it is
# set behind `(report)`.
(def
    (Report
        (volatile acked 0)
        (volatile gone 0)
        (volatile late false)
    )
    (period 5ms)
#~ 6: note[L0202]: `period` is never written: it keeps its initial value unless the agent sets it
#~     help: nothing is to be done if it is a parameter
)
(when true
    (:= Report.acked (+ Report.acked Ack.bytes_acked))
    (:= Report.gone Ack.lost_pkts_sample)
    (:= Report.late Flow.was_timeout)
    (fallthrough)
#~ 5: warning[L0205]: this holds for the rest of the invocation, past events that do not fall through
#~     23:2: this event looks as if it stopped the evaluation
#~     27:2: but this one is evaluated too
#~     help: nothing is to be done if both may run; else let their conditions exclude each other
)
(when (|| Report.late (> Report.gone 0))
    (report)
    (:= Micros 0)
)
(when (> Micros period)
    (report)
    (:= Micros 0)
)
#@ test run
#@ ack now=1000 bytes_acked=10
#= cwnd=14480
#@ ack now=2000 bytes_acked=20 was_timeout=1
#= cwnd=14480 report=[30, 0, 1]
#@ ack now=7000 bytes_acked=30
#= cwnd=14480
#@ ack now=7001 bytes_acked=40
#= cwnd=14480 report=[70, 0, 0]
#@ ack now=8000 bytes_acked=50 lost_pkts_sample=3
#= cwnd=14480 report=[50, 3, 0]
