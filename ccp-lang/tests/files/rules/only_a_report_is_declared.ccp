# Nothing but the report is declared; what triggers it is read from the transport.
(def
    (Report
        (volatile latest 0)
        (volatile gone 0)
    )
)
(when true
    (:= Report.latest Flow.rtt_sample_us)
    (:= Report.gone (+ Report.gone Ack.lost_pkts_sample))
    (fallthrough)
)
(when (> Micros Flow.rtt_sample_us)
    (report)
    (:= Micros 0)
)
#@ test run
#@ ack now=500 rtt_sample_us=1000 lost_pkts_sample=1
#= cwnd=14480
#@ ack now=1001 rtt_sample_us=1000 lost_pkts_sample=2
#= cwnd=14480
#@ ack now=2001 rtt_sample_us=1000
#= cwnd=14480 report=[1000, 3]
#@ ack now=2002 rtt_sample_us=1000
#= cwnd=14480
