# Lint `empty-report` denies.
#@ test check
(def)
(when true (:= Cwnd 5) (report))
#~ 24: error[L0104]: the report would be empty, which closes the flow
#~     help: declare what should be reported: `(def (Report (volatile acked 0)))`
