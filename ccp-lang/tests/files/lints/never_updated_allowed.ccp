# Lint `never-updated` can be silenced.
#@ allow never-updated
#@ test check
(def (Report (r 0)))
(when true (report))
