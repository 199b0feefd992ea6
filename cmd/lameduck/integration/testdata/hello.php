<?php echo "It works.\n";
