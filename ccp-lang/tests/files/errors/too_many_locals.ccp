#@ test check
(def)
(when true
    (:= a 1) (:= b a) (:= c b) (:= d c) (:= e d) (:= f e) (:= g f) (:= h g) (:= i h) (:= j i) (:= Cwnd j)
#~ 81: error[E0603]: `i` is one local too many: there are 8
#~     help: declare some of them in `(def …)`
)
