# `&&` and `||` evaluate all their operands, binds among them.
(def (Report (a 0) (b 0) (x false)))
(when true
    (:= Report.x (|| true (> (:= Report.a Ack.bytes_acked) 3)))
    (:= Report.x (&& false (> (:= Report.b Ack.bytes_acked) 3)))
    (report)
)
#@ test run
#@ ack bytes_acked=4
#= cwnd=14480 report=[4, 4, 0]
#@ ack bytes_acked=2
#= cwnd=14480 report=[2, 2, 0]
