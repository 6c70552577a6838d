# Initial values of every kind come back.
(def (Report (volatile seen false) (volatile least +infinity) (volatile on true)))
(when true
    (:= Report.least (min Report.least Flow.rtt_sample_us))
    (:= Report.seen (|| Report.seen (< Flow.rtt_sample_us 1000)))
    (:= Report.on (if Report.seen false))
    (fallthrough)
)
(when (> Ack.lost_pkts_sample 0) (report))
#@ test run
#@ ack lost_pkts_sample=1
#= cwnd=14480 report=[0, 4294967295, 1]
#@ ack rtt_sample_us=900
#= cwnd=14480
#@ ack rtt_sample_us=5000 lost_pkts_sample=1
#= cwnd=14480 report=[1, 900, 0]
#@ ack lost_pkts_sample=1
#= cwnd=14480 report=[0, 4294967295, 1]
