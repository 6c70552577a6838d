# A report variable that begins at +infinity and is not volatile keeps the least value of all time.
(def (Report (least +infinity) (volatile latest +infinity)))
(when true
    (:= Report.least (min Report.least Flow.rtt_sample_us))
    (:= Report.latest Flow.rtt_sample_us)
    (fallthrough)
)
(when (> Ack.packets_acked 1) (report))
#@ test run
#@ ack packets_acked=2
#= cwnd=14480 report=[4294967295, 4294967295]
#@ ack packets_acked=2 rtt_sample_us=800
#= cwnd=14480 report=[800, 800]
#@ ack packets_acked=1 rtt_sample_us=300
#= cwnd=14480
#@ ack packets_acked=2 rtt_sample_us=950
#= cwnd=14480 report=[300, 950]
