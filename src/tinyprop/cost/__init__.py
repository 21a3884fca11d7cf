"""What training costs: multiply-adds and effort from program and trace, bytes from the plan."""

from tinyprop.cost.effort import Effort as Effort
from tinyprop.cost.effort import PlainMacs as PlainMacs
from tinyprop.cost.effort import effort as effort
from tinyprop.cost.effort import effort_of_visits as effort_of_visits
from tinyprop.cost.effort import plain_macs as plain_macs
from tinyprop.cost.memory import MemoryCost as MemoryCost
from tinyprop.cost.memory import memory_cost as memory_cost
