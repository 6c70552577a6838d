# Volatile variables, reported or not, go back to their initial values after each report, not before.
(def (Report (volatile acked 0) (total 0)) (volatile budget 3))
(when true
    (:= Report.acked (+ Report.acked Ack.bytes_acked))
    (:= Report.total (+ Report.total Ack.bytes_acked))
    (:= budget (- budget 1))
    (fallthrough)
)
(when (== budget 0) (report))
#@ test run
#@ ack bytes_acked=100
#= cwnd=14480
#@ ack bytes_acked=200
#= cwnd=14480
#@ ack bytes_acked=300
#= cwnd=14480 report=[600, 600]
#@ ack bytes_acked=1000
#= cwnd=14480
#@ ack bytes_acked=2000
#= cwnd=14480
#@ ack bytes_acked=3000
#= cwnd=14480 report=[6000, 6600]
#@ set budget=1
#@ ack bytes_acked=5
#= cwnd=14480 report=[5, 6605]
#@ ack bytes_acked=6
#= cwnd=14480
