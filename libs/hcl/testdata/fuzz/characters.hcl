a = 'x'; b & c
