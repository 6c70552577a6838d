(def (Report (r 0)) (a 1) (b 2))
(when true
    (:= Report.r (+ a b)) (:= Report.r (- a b)) (:= Report.r (* a b)) (:= Report.r (/ a b))
    (:= Report.r (min a b)) (:= Report.r (max a b)) (:= Report.r (wrapped_max a b))
    (bind Report.r (add a b)) (bind Report.r (sub a b)) (bind Report.r (mul a b)) (bind Report.r (div a b))
    (:= Report.r (ewma 8 a))
    (:= a b) (:= b a)
    (report)
)
#@ test asm
#|    0  DEF     report.0, #0
#|    1  DEF     control.0, #1
#|    2  DEF     control.1, #2
#| event 0: flag 3..4, body 4..30
#|    3  BIND    eventFlag, #1
#|    4  ADD     tmp.0, control.0, control.1
#|    5  BIND    report.0, tmp.0
#|    6  SUB     tmp.0, control.0, control.1
#|    7  BIND    report.0, tmp.0
#|    8  MUL     tmp.0, control.0, control.1
#|    9  BIND    report.0, tmp.0
#|   10  DIV     tmp.0, control.0, control.1
#|   11  BIND    report.0, tmp.0
#|   12  MIN     tmp.0, control.0, control.1
#|   13  BIND    report.0, tmp.0
#|   14  MAX     tmp.0, control.0, control.1
#|   15  BIND    report.0, tmp.0
#|   16  MAXWRAP tmp.0, control.0, control.1
#|   17  BIND    report.0, tmp.0
#|   18  ADD     tmp.0, control.0, control.1
#|   19  BIND    report.0, tmp.0
#|   20  SUB     tmp.0, control.0, control.1
#|   21  BIND    report.0, tmp.0
#|   22  MUL     tmp.0, control.0, control.1
#|   23  BIND    report.0, tmp.0
#|   24  DIV     tmp.0, control.0, control.1
#|   25  BIND    report.0, tmp.0
#|   26  EWMA    report.0, #8, control.0
#|   27  BIND    control.0, control.1
#|   28  BIND    control.1, control.0
#|   29  BIND    shouldReport, #1
