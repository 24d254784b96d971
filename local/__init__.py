"""The whole system on one machine, as ``template.yaml`` describes it.

``python -m local`` starts it, ``python -m local.demo`` shows what it does. The supervising process
is the API gateway, the scheduler and DOKU's simulator at once. Beside it run a real DynamoDB
engine, a moto server for the other AWS services, and worker processes that run the functions as
Lambda does.
"""
