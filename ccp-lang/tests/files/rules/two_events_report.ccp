# Two events report: one when a Bool of the report says so, one when time has passed. Micros starts over although it is
# set behind `(report)`.
(def
    (Report
        (volatile acked 0)
        (volatile gone 0)
        (volatile late false)
    )
    (period 5ms)
)
(when true
    (:= Report.acked (+ Report.acked Ack.bytes_acked))
    (:= Report.gone Ack.lost_pkts_sample)
    (:= Report.late Flow.was_timeout)
    (fallthrough)
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
#@ ack now=2000 bytes_acked=20 was_timeout=1
#@ ack now=7000 bytes_acked=30
#@ ack now=7001 bytes_acked=40
#@ ack now=8000 bytes_acked=50 lost_pkts_sample=3
