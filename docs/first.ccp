# Counts what is acknowledged and reports it, with the least RTT, every 10 ms;
# opens the window by what each ACK acknowledged, as slow start does.
(def
    (Report
        (volatile acked 0)
        (volatile minrtt +infinity)
    )
    (interval 10000)
)
(when true
    (:= Report.acked (+ Report.acked Ack.bytes_acked))
    (:= Report.minrtt (min Report.minrtt Flow.rtt_sample_us))
    (:= Cwnd (+ Cwnd Ack.bytes_acked))
    (fallthrough)
)
(when (> Micros interval)
    (report)
    (:= Micros 0)
)
