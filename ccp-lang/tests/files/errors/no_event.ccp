#@ test check
(def (Report (x 0)))
#~ 20: error[E0105]: the program has no event
#~     help: add one behind the declarations, such as `(when true …)`
