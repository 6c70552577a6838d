# Lint `never-read` warns.
#@ test check
(def (unused 1))
#~ 7: warning[L0201]: `unused` is bound but never read
#~     help: remove it, or declare it in `(Report …)` if the agent should see it
(when true (:= unused 5) (:= local 1) (:= Cwnd 5))
#~ 30: warning[L0201]: `local` is bound but never read
#~     help: remove the bind, or declare `local` in `(def …)`
