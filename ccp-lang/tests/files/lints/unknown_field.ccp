# An unknown `Report.` name is a local, which nobody reports.
#@ allow unknown-field
(def (Report (r 0)))
(when true (:= Report.typo Ack.bytes_acked) (:= Flow.mine 5) (:= Report.r (+ Report.typo Flow.mine)) (report))
#~ 16: warning[L0103]: `Report.typo` is not declared, so that no report carries it
#~     help: declare it: `(Report (typo 0))`
#~ 49: warning[L0103]: there is no `Flow.mine`, and primitives cannot be bound
#~     help: use a name of your own, such as `mine`
#@ test run
#@ ack bytes_acked=3
#= cwnd=14480 report=[8]
