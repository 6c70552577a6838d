# The instructions pass their limit first, unless there may be more of them.
#@ limit events=2
#@ test check
(def)
(when (> Cwnd 1) (:= Cwnd 1))
(when (> Cwnd 2) (:= Cwnd 2))
(when (> Cwnd 3) (:= Cwnd 3))
#~ 1: error[E0605]: more than 2 events
#~     help: join events with the same condition
