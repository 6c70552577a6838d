# Lint `fallthrough-reach` can be silenced.
#@ allow fallthrough-reach
#@ test check
(def)
(when (> Cwnd 5) (:= Cwnd 6) (fallthrough))
(when (> Micros 5) (:= Rate 6))
(when true (:= Rate 7))
