# Lint `never-read` can be silenced.
#@ allow never-read
#@ test check
(def (unused 1))
(when true (:= unused 5) (:= local 1) (:= Cwnd 5))
