# +infinity is 4294967295, however it is written, and can be computed with.
(def (Report (least +infinity) (written 0) (big 0) (twice 0)) (limit 18446744073709551615))
#~ 64: note[L0202]: `limit` is never written: it keeps its initial value unless the agent sets it
#~     help: nothing is to be done if it is a parameter
(when true
    (:= Report.least (min Report.least Flow.rtt_sample_us))
    (:= Report.written +infinity)
    (:= Report.big (min 18446744073709551615 limit))
    (:= Report.twice (* 2 +infinity))
    (report)
)
#@ test run
#@ ack rtt_sample_us=0
#= cwnd=14480 report=[4294967295, 4294967295, 4294967295, 8589934590]
#@ ack rtt_sample_us=5000
#= cwnd=14480 report=[5000, 4294967295, 4294967295, 8589934590]
#@ ack rtt_sample_us=4294967296
#= cwnd=14480 report=[5000, 4294967295, 4294967295, 8589934590]
