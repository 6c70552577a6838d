(def (Report (r 0)) (t 42ms) (u 250us) (v 2s) (w 007) (x 4294967294))
(when (> Micros t)
    (:= Report.r (+ 1073741823 2147483648))
    (:= Report.r (* 4294967294 1))
    (:= Report.r (min +infinity 18446744073709551615))
    (:= t u) (:= u v) (:= v w) (:= w x) (:= x 3ms)
)
#@ test asm
#|    0  DEF     report.0, #0
#|    1  DEF     control.0, #42000
#|    2  DEF     control.1, #250
#|    3  DEF     control.2, #2000000
#|    4  DEF     control.3, #7
#|    5  DEF     control.4, #4294967294
#| event 0: flag 6..7, body 7..18
#|    6  GT      eventFlag, Micros, control.0
#|    7  ADD     tmp.0, #1073741823, #2147483648
#|    8  BIND    report.0, tmp.0
#|    9  MUL     tmp.0, #4294967294, #1
#|   10  BIND    report.0, tmp.0
#|   11  MIN     tmp.0, #inf, #inf
#|   12  BIND    report.0, tmp.0
#|   13  BIND    control.0, control.1
#|   14  BIND    control.1, control.2
#|   15  BIND    control.2, control.3
#|   16  BIND    control.3, control.4
#|   17  BIND    control.4, #3000
