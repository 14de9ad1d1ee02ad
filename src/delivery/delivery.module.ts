import { Module } from '@nestjs/common';
import { Delivery } from './delivery.ts';

@Module({ providers: [Delivery], exports: [Delivery] })
export class DeliveryModule {}
