# Lint `never-runs` warns.
#@ test check
(def)
(when true (:= Cwnd 5))
(when (> Micros 5) (:= Cwnd 6))
#~ 2: warning[L0204]: this event can never run
#~     4:2: this event always runs and stops
#~     help: add `(fallthrough)` to the earlier event, or put this one before it
(when false (:= Cwnd 7))
#~ 7: warning[L0204]: this condition is never true
#~     help: remove the event, or compare something that changes
