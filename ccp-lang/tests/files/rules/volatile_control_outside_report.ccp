# A volatile control variable returns to its initial value with the others: it marks the first ACK after each report.
(def
    (Report (volatile least +infinity))
    (volatile begun false)
    (volatile sum 100)
)
(when (! begun)
    (:= begun true)
    (:= Report.least Flow.rtt_sample_us)
    (fallthrough)
)
(when true
    (:= Report.least (min Report.least Flow.rtt_sample_us))
    (:= sum (+ sum Ack.bytes_acked))
    (fallthrough)
)
(when (> sum 2000) (report))
#@ test run
#@ ack rtt_sample_us=900 bytes_acked=1000
#= cwnd=14480
#@ ack rtt_sample_us=700 bytes_acked=1000
#= cwnd=14480 report=[700]
#@ ack rtt_sample_us=5000 bytes_acked=1500
#= cwnd=14480
#@ ack rtt_sample_us=6000 bytes_acked=1500
#= cwnd=14480 report=[5000]
