# As first.ccp, but opens the window by half of what each ACK acknowledged.
(def
    (Report
        (volatile acked 0)
        (volatile minrtt +infinity)
    )
    (interval 10ms)
)
(when true
    (:= Report.acked (+ Report.acked Ack.bytes_acked))
    (:= Report.minrtt (min Report.minrtt Flow.rtt_sample_us))
    (:= Cwnd (+ Cwnd (/ Ack.bytes_acked 2)))
    (fallthrough)
)
(when (> Micros interval)
    (report)
)
