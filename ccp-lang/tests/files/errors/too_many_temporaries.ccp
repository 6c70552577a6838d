#@ test check
(def (Report (r 0)))
(when true
    (:= Report.r (+ (* Cwnd 2) (+ (* Cwnd 3) (+ (* Cwnd 4) (+ (* Cwnd 5) (+ (* Cwnd 6) (+ (* Cwnd 7)
#~ 5: error[E0604]: this expression needs more than 8 temporaries at once
#~     help: bind a part of it to a name of its own first
        (+ (* Cwnd 8) (+ (* Cwnd 9) (+ (* Cwnd 10) (:= Cwnd 11)))))))))))
)
