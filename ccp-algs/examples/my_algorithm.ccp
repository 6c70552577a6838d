# Adds up what was lost, and reports once a round trip.
(def (Report (volatile lost 0)))
(when true
    (:= Report.lost (+ Report.lost Ack.lost_pkts_sample))
    (fallthrough)
)
(when (>= Micros Flow.rtt_sample_us)
    (report)
    (reset)
)
