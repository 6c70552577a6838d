# A local has the type of its first bind, is the whole program's, and keeps its value between ACKs.
(def (Report (n 0) (last 0) (was false)))
(when true
    (:= Report.last count)
    (:= count (+ count Ack.bytes_acked))
    (:= Report.n count)
    (:= Report.was late)
    (:= late (> Ack.bytes_acked 5))
    (report)
)
#@ test run
#@ ack bytes_acked=1
#= cwnd=14480 report=[1, 0, 0]
#@ ack bytes_acked=10
#= cwnd=14480 report=[11, 1, 0]
#@ ack bytes_acked=1
#= cwnd=14480 report=[12, 11, 1]
