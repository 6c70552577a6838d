# Lint `never-updated` warns.
#@ test check
(def (Report (r 0)))
#~ 15: warning[L0203]: `Report.r` is reported but never updated
#~     help: bind it in an event: `(:= Report.r …)`, or remove it
(when true (report))
