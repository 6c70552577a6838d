# Lint `unknown-field` denies.
#@ test check
(def (Report (acked 0)))
(when true (:= Report.aked Ack.bytes_acked) (:= Report.acked 1) (:= Ack.mine 5) (:= Flow.rtt 5) (report))
#~ 16: error[L0103]: `Report.aked` is not declared, so that no report carries it
#~     help: did you mean `Report.acked`?
#~ 69: error[L0103]: there is no `Ack.mine`, and primitives cannot be bound
#~     help: use a name of your own, such as `mine`
#~ 85: error[L0103]: there is no `Flow.rtt`, and primitives cannot be bound
#~     help: use a name of your own, such as `rtt`
