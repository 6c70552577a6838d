(def(a 0)# comments stand wherever white space may
	(Report(volatile# here too
 b 1)))(when# and here
(>a 0)(:=Report.b(+ a# even
1))(:=a(!if(>a 5)(*a 2)))(report))# at the end
#@ test asm
#|    0  DEF     vreport.0, #1
#|    1  DEF     control.0, #0
#| event 0: flag 2..3, body 3..9
#|    2  GT      eventFlag, control.0, #0
#|    3  ADD     tmp.0, control.0, #1
#|    4  BIND    vreport.0, tmp.0
#|    5  GT      tmp.0, control.0, #5
#|    6  MUL     tmp.1, control.0, #2
#|    7  NOTIF   control.0, tmp.0, tmp.1
#|    8  BIND    shouldReport, #1
