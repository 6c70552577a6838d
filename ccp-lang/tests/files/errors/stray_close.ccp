#@ test check
(def (x 0)))))
#~ 12: error[E0103]: this `)` closes nothing
#~     help: remove it, or look for a `)` too many before it
(when true (:= x (+ x 1))) )
#~ 28: error[E0103]: this `)` closes nothing
#~     help: remove it, or look for a `)` too many before it
