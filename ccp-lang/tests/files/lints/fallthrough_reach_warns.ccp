# Lint `fallthrough-reach` warns.
#@ test check
(def)
(when (> Cwnd 5) (:= Cwnd 6) (fallthrough))
#~ 30: warning[L0205]: this holds for the rest of the invocation, past events that do not fall through
#~     9:2: this event looks as if it stopped the evaluation
#~     10:2: but this one is evaluated too
#~     help: nothing is to be done if both may run; else let their conditions exclude each other
(when (> Micros 5) (:= Rate 6))
(when true (:= Rate 7))
